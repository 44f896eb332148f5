CREATE TABLE "roster_file" ("id" INTEGER NOT NULL PRIMARY KEY, "roster_id" INTEGER NOT NULL, "file" TEXT NOT NULL, "file_name" TEXT NOT NULL, FOREIGN KEY ("roster_id") REFERENCES "roster" ("id"));;
CREATE UNIQUE INDEX "roster_file_roster_id" ON "roster_file" ("roster_id");;
