CREATE TABLE "draft_version" ("id" SERIAL NOT NULL PRIMARY KEY, "draft_id" INTEGER NOT NULL, "version" INTEGER NOT NULL, "sheet" TEXT NOT NULL, "saved_by_id" INTEGER NOT NULL, "saved_at" TIMESTAMP NOT NULL, FOREIGN KEY ("draft_id") REFERENCES "draft_edition" ("id") ON DELETE CASCADE, FOREIGN KEY ("saved_by_id") REFERENCES "user" ("id"));;
CREATE INDEX "draft_version_saved_by_id" ON "draft_version" ("saved_by_id");;
CREATE UNIQUE INDEX "draft_version_draft_id_version" ON "draft_version" ("draft_id", "version");;
INSERT INTO "draft_version" ("draft_id", "version", "sheet", "saved_by_id", "saved_at") SELECT "id", "version", "sheet", "saved_by_id", "saved_at" FROM "draft_edition";;
