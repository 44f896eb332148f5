CREATE TABLE "gift_reminder" ("id" SERIAL NOT NULL PRIMARY KEY, "reminder_id" INTEGER NOT NULL, "gift_id" INTEGER NOT NULL, FOREIGN KEY ("reminder_id") REFERENCES "reminder" ("id"), FOREIGN KEY ("gift_id") REFERENCES "gift" ("id"));;
CREATE UNIQUE INDEX "gift_reminder_reminder_id" ON "gift_reminder" ("reminder_id");;
CREATE INDEX "gift_reminder_gift_id" ON "gift_reminder" ("gift_id");;
CREATE TRIGGER "gift_reminder_no_update" BEFORE UPDATE ON "gift_reminder" FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();;
CREATE TRIGGER "gift_reminder_no_delete" BEFORE DELETE ON "gift_reminder" FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();;
