DROP INDEX "member_name_organization_id";;
DROP INDEX "member_pinyin_organization_id";;
DROP INDEX "member_given_name";;
CREATE INDEX "member_name_organization_id_sort_key_id" ON "member" ("name", "organization_id", "sort_key", "id");;
CREATE INDEX "member_pinyin_organization_id_sort_key_id" ON "member" ("pinyin", "organization_id", "sort_key", "id");;
CREATE INDEX "member_given_name" ON "member" (SUBSTR("name", 2), "organization_id", "sort_key", "id", "name");;
CREATE INDEX "roster_cover_from" ON "roster" ("cover_from");;
CREATE INDEX "roster_people" ON "roster" ("people");;
