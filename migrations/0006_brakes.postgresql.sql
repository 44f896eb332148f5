CREATE TABLE "brake" ("id" SERIAL NOT NULL PRIMARY KEY, "who" TEXT NOT NULL, "empty_at" TIMESTAMP NOT NULL);;
CREATE UNIQUE INDEX "brake_who" ON "brake" ("who");;
CREATE INDEX "brake_empty_at" ON "brake" ("empty_at");;
