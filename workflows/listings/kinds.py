"""What an entry of each kind consists of: one table for deeds, forms, import and export."""

from dataclasses import dataclass
from typing import Final

from huigong.models import Attraction, Listing, Notice, Program, Route, Station

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Field:
    """One thing an editor fills in. `form` says how it is typed and read:
    line area prose choice region phone day hours slug longitude latitude."""

    name: str
    label: str
    form: str = "line"
    required: bool = False
    hint: str = ""
    choices: Choices = ()
    longest: int = 200


@dataclass(frozen=True)
class Kind:
    """A kind of public entry: its word in addresses, its Chinese name, its table, its fields."""

    word: str
    name: str
    model: type[Listing]
    fields: tuple[Field, ...]
    about: str  # what the public finds there

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


STATION_KINDS: Final = ("爱心驿站", "司机之家", "骑手之家", "心理服务中心", "心理服务站")
ROUTE_KINDS: Final = (("workday", "工作日体验专线"), ("rural", "周末乡村专线"))

_NAME: Final = Field("name", "名称", required=True, longest=60)
_SUMMARY: Final = Field("summary", "简介", "area", hint="一两句话，列表里也会显示", longest=300)
_REGION: Final = Field("region", "所在区县", "region")
_PHONE: Final = Field(
    "phone", "咨询电话", "phone", hint="带区号，例如 0371-12345678；不留个人手机号"
)
_HOURS: Final = Field(
    "hours", "开放时间", "hours", hint="例如：周一至周五 09:00-17:30；或写“全天开放”"
)
_WHERE: Final = (
    Field(
        "longitude", "经度", "longitude", hint="高德坐标（GCJ-02），不知道就留空，网页改用地址搜索"
    ),
    Field("latitude", "纬度", "latitude"),
)
_MARKDOWN: Final = "可用 Markdown：## 小标题、**加粗**、- 列表、[文字](网址)；写好先点“预览”"

PROGRAMS: Final = Kind(
    "programs",
    "服务项目",
    Program,
    (
        _NAME,
        Field(
            "slug", "网址名", "slug", required=True, hint="小写字母、数字和连字符，发布后不宜再改"
        ),
        Field("summary", "简介", "area", required=True, longest=300),
        Field(
            "body",
            "正文",
            "prose",
            required=True,
            hint=f"{_MARKDOWN}。费用、比例和限额不写在这里，由政策页打印",
            longest=20_000,
        ),
        _PHONE,
        Field("source", "依据", hint="文件或报道的名称和日期"),
    ),
    "惠工保、惠工游这样的项目介绍",
)
ROUTES: Final = Kind(
    "routes",
    "文旅专线",
    Route,
    (
        _NAME,
        Field("kind", "类型", "choice", required=True, choices=ROUTE_KINDS),
        _REGION,
        _SUMMARY,
        Field("length", "行程", hint="例如：半天，约 40 公里"),
        Field("how", "参加办法", "area", longest=500),
    ),
    "工作日体验专线和周末乡村专线，含站点和班期",
)
ATTRACTIONS: Final = Kind(
    "attractions",
    "优惠景区",
    Attraction,
    (
        _NAME,
        Field("region", "所在区县", "region", required=True),
        _SUMMARY,
        Field("offer", "会员优惠", required=True, hint="例如：持会员卡门票半价"),
        Field("address", "地址"),
        _HOURS,
        _PHONE,
        *_WHERE,
    ),
    "持卡会员有优惠的签约景区",
)
STATIONS: Final = Kind(
    "stations",
    "服务站点",
    Station,
    (
        _NAME,
        Field(
            "kind",
            "类型",
            "choice",
            required=True,
            choices=tuple((kind, kind) for kind in STATION_KINDS),
        ),
        Field("region", "所在区县", "region", required=True),
        Field("address", "地址", required=True),
        Field("entrance", "怎么进", hint="例如：东门进，一楼大厅左侧，无需登记"),
        Field("hours", "开放时间", "hours", required=True, hint=_HOURS.hint),
        Field("facilities", "设施", hint="例如：饮水、微波炉、充电、雨具"),
        _PHONE,
        *_WHERE,
        Field("verified_on", "最近核实日期", "day", hint="实地或电话核实的那一天"),
        Field("summary", "备注", "area", longest=300),
    ),
    "爱心驿站、司机之家、骑手之家和心理服务站",
)
NOTICES: Final = Kind(
    "notices",
    "通知公告",
    Notice,
    (
        Field("name", "标题", required=True, longest=60),
        Field("from_on", "发布日期", "day", required=True),
        _SUMMARY,
        Field("body", "正文", "prose", required=True, hint=_MARKDOWN, longest=20_000),
    ),
    "办事通知、活动公告",
)
KINDS: Final = (PROGRAMS, ROUTES, ATTRACTIONS, STATIONS, NOTICES)
