DROP INDEX "transfer_item_transfer_id";;
CREATE INDEX "transfer_item_transfer_id_id" ON "transfer_item" ("transfer_id", "id");;
CREATE INDEX "payment_received_on" ON "payment" ("received_on");;
CREATE TABLE "untransferred" ("id" SERIAL NOT NULL PRIMARY KEY, "roster_id" INTEGER NOT NULL, "scheme_id" INTEGER NOT NULL, "amount" BIGINT NOT NULL, FOREIGN KEY ("roster_id") REFERENCES "roster" ("id"), FOREIGN KEY ("scheme_id") REFERENCES "scheme" ("id"));;
CREATE UNIQUE INDEX "untransferred_roster_id" ON "untransferred" ("roster_id");;
CREATE INDEX "untransferred_scheme_id_roster_id_id_amount" ON "untransferred" ("scheme_id", "roster_id", "id", "amount");;
INSERT INTO "untransferred" ("roster_id", "scheme_id", "amount") SELECT r."id", e."scheme_id", SUM(m."amount") FROM (SELECT d."roster_id" AS "roster", p."amount" AS "amount" FROM "payment" p JOIN "due" d ON d."id" = p."due_id" WHERE NOT EXISTS (SELECT 1 FROM "payment_reversal" v WHERE v."payment_id" = p."id") UNION ALL SELECT i."roster_id", -i."amount" FROM "transfer_item" i WHERE NOT EXISTS (SELECT 1 FROM "transfer_reversal" v WHERE v."transfer_id" = i."transfer_id")) m JOIN "roster" r ON r."id" = m."roster" JOIN "edition" e ON e."id" = r."edition_id" GROUP BY r."id", e."scheme_id" HAVING SUM(m."amount") <> 0 ORDER BY r."id";;
