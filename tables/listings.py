"""Public listings: what the public reads besides the schemes."""

from peewee import BooleanField, DateField, FloatField, ForeignKeyField, IntegerField, TextField

from huigong.tables.base import Base
from huigong.tables.people import Organization


class Listing(Base):
    """What the public reads. `example` marks what was made up for a demonstration: 示例."""

    seen = "lineage"
    organization = ForeignKeyField(Organization)
    name = TextField()
    pinyin = TextField(default="")
    summary = TextField(default="")
    region = TextField(default="")  # the county-level division, in Chinese
    example = BooleanField(default=False)
    published = BooleanField(default=True)
    updated_on = DateField()


class Program(Listing):
    """A program the public reads about: 惠工保, 惠工游, 惠至心灵 …"""

    slug = TextField()
    body = TextField()  # Markdown
    html = TextField()  # rendered and cleaned when saved
    phone = TextField(default="")
    source = TextField(default="")


class Measure(Listing):
    """One numbered measure of a dated policy document."""

    document = TextField()
    document_on = DateField()
    section = TextField(default="")
    number = IntegerField()
    sums = TextField(default="")
    departments = TextField(default="")


class Route(Listing):
    """A tourism route."""

    kind = TextField()  # workday | rural
    length = TextField(default="")
    how = TextField(default="")  # how to take part


class Stop(Base):
    route = ForeignKeyField(Route, backref="stops", on_delete="CASCADE")
    number = IntegerField()
    name = TextField()
    note = TextField(default="")


class Departure(Base):
    route = ForeignKeyField(Route, backref="departures", on_delete="CASCADE")
    on = DateField()
    meets = TextField()
    seats = IntegerField(null=True)


class Attraction(Listing):
    """A contracted scenic spot with a member price."""

    address = TextField(default="")
    offer = TextField(default="")
    hours = TextField(default="")
    phone = TextField(default="")
    longitude = FloatField(null=True)  # GCJ-02
    latitude = FloatField(null=True)


class Station(Listing):
    """A service station and its kind."""

    kind = TextField()  # 爱心驿站 司机之家 骑手之家 心理服务中心 心理服务站
    address = TextField(default="")
    entrance = TextField(default="")  # how to get in
    hours = TextField(default="")
    facilities = TextField(default="")
    phone = TextField(default="")
    longitude = FloatField(null=True)  # GCJ-02
    latitude = FloatField(null=True)
    verified_on = DateField(null=True)


class Notice(Listing):
    body = TextField()
    html = TextField()
    from_on = DateField()
