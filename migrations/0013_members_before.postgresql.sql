CREATE TABLE "member_before" ("id" SERIAL NOT NULL PRIMARY KEY, "roster_id" INTEGER NOT NULL, "member_id" INTEGER NOT NULL, "changes" TEXT NOT NULL, "ended" TEXT NOT NULL, "begun" INTEGER, FOREIGN KEY ("roster_id") REFERENCES "roster" ("id"), FOREIGN KEY ("member_id") REFERENCES "member" ("id"));;
CREATE INDEX "member_before_roster_id" ON "member_before" ("roster_id");;
CREATE INDEX "member_before_member_id" ON "member_before" ("member_id");;
