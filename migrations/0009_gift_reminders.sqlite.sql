CREATE TABLE "gift_reminder" ("id" INTEGER NOT NULL PRIMARY KEY, "reminder_id" INTEGER NOT NULL, "gift_id" INTEGER NOT NULL, FOREIGN KEY ("reminder_id") REFERENCES "reminder" ("id"), FOREIGN KEY ("gift_id") REFERENCES "gift" ("id"));;
CREATE UNIQUE INDEX "gift_reminder_reminder_id" ON "gift_reminder" ("reminder_id");;
CREATE INDEX "gift_reminder_gift_id" ON "gift_reminder" ("gift_id");;
CREATE TRIGGER "gift_reminder_no_update" BEFORE UPDATE ON "gift_reminder" BEGIN SELECT RAISE(ABORT, 'gift_reminder rows are only added'); END;;
CREATE TRIGGER "gift_reminder_no_delete" BEFORE DELETE ON "gift_reminder" BEGIN SELECT RAISE(ABORT, 'gift_reminder rows are only added'); END;;
