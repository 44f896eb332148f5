"""The log for auditors, and the page that shows a full number to who gives a reason."""

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, abort, g, render_template, request

from huigong import clock
from huigong.access import allow, find, sees_many
from huigong.admin.lists import newest, page_of, placed
from huigong.models import AuditEvent, Member, Organization, Role, User
from huigong.refusals import Refused
from huigong.workflows import audit as deeds

audit = Blueprint("audit", __name__, url_prefix="/admin")

REVEALED = {"resident_id": "身份证号", "phone": "手机号", "bank_card": "银行卡号"}
DEED_WORDS = {
    "sign in": "登录",
    "sign out": "退出",
    "lock account": "连续输错，账号锁定",
    "end sessions": "退出其他设备",
    "open account": "开设账号",
    "change roles": "调整角色",
    "end account": "停用账号",
    "hand over": "交接职责",
    "make link": "发送设置密码链接",
    "set password": "设置密码",
    "found organization": "建立单位",
    "amend organization": "修改单位资料",
    "apply for unit": "申请单位登记",
    "approve unit": "准予单位登记",
    "refuse unit": "不予单位登记",
    "load edition": "载入互助保障计划",
    "begin edition draft": "开始起草互助保障计划",
    "save edition draft": "保存计划草稿",
    "discard edition draft": "删除计划草稿",
    "end edition": "截止上一版计划的参保",
    "publish edition": "发布互助保障计划",
    "publish edition draft": "以草稿发布互助计划",
    "raise dues": "生成应缴款",
    "record payment": "登记到账",
    "reverse payment": "冲销到账",
    "roster paid": "名册缴清",
    "confirm receipt": "确认开票",
    "void receipt": "作废收据",
    "keep statement": "上传银行对账单",
    "drop statement": "删去未导入的对账单",
    "import statement": "导入银行对账单",
    "withdraw statement": "撤回银行对账单",
    "note refund": "登记退款",
    "reverse refund": "更正退款",
    "match payout return": "认出退回的互助金",
    "reverse payout return": "更正退回的互助金",
    "record income": "登记其他收入",
    "reverse income": "更正其他收入",
    "record top-up": "登记上级补贴",
    "end top-up": "提前结束补贴",
    "record transfer": "登记转款",
    "reverse transfer": "更正转款",
    "remind": "催缴",
    "name accounts": "设置会计科目",
    "file claim": "提交申领",
    "refile claim": "补正后再提交申领",
    "return claim": "退回申领补正",
    "review claim": "初审申领",
    "approve claim": "准予给付",
    "refuse claim": "不予给付",
    "ask revocation": "提请撤销申领的决定",
    "revoke decision": "撤销申领的决定",
    "decline revocation": "维持申领的决定",
    "read paper": "查看申领材料",
    "correct member": "更正职工联系方式与银行卡",
    "ask ID correction": "申请更正身份证号",
    "approve ID correction": "同意更正身份证号",
    "refuse ID correction": "不同意更正身份证号",
    "brake sign-in": "放慢来自一个网络的登录",
    "sweep papers": "清理没有提交的材料",
    "make batch": "制作发放批次",
    "release batch": "发放",
    "withdraw batch": "撤销发放批次",
    "take bank file": "下载银行文件",
    "return payout": "登记银行退回",
    "save listing": "保存公众内容",
    "publish listing": "发布公众内容",
    "unpublish listing": "下架公众内容",
    "import stations": "导入站点",
    "load archive": "载入存档内容",
    "upload roster": "上传名册",
    "ask approval": "开始批准名册",
    "stop roster job": "停止处理名册",
    "submit roster": "提交名册",
    "return roster": "退回名册",
    "withdraw roster": "撤回名册",
    "approve roster": "批准名册",
    "accept shares": "核对名册各方承担的新金额",
    "declare gift": "写明赠送",
    "drop gift": "取消赠送",
    "agree gift": "同意赠送",
    "declined gift": "不同意赠送",
    "withdrawn gift": "撤回赠送",
    "leave unit": "登记离开单位",
    "ask relocation": "申请调入职工",
    "relocate member": "职工调动",
    "refuse relocation": "不同意调动",
    "merge units": "合并单位",
    "split unit": "拆分单位",
    "keep age proof": "上传超龄证明",
    "read age proof": "查看超龄证明",
    "answer columns": "说明名册的列",
    "state staff": "登记职工总数",
    "keep opening": "上传期初数据",
    "ask booking": "开始期初入账",
    "stop opening job": "停止处理期初数据",
    "book opening": "期初数据入账",
    "withdraw opening": "撤回期初数据",
    "save operator layout": "设置承办方文件的列",
    "export for operator": "导出承办方文件",
    "send claims": "送申领给承办方",
    "call claims back": "从承办方收回申领",
    "keep operator answer": "上传承办方回执",
    "ask taking": "交后台登记承办方回执",
    "take operator answer": "登记承办方回执",
    "stop operator job": "停止后台处理的承办方文件",
    "drop operator answer": "不登记承办方回执",
    "take operator file": "下载承办方文件",
    "settle operator reply": "处理承办方回执",
    "book operator payments": "登记承办方支付",
    **{f"reveal {column}": f"查看{words}" for column, words in REVEALED.items()},
}


@audit.get("/audit")
@allow(Role.AUDITOR, Role.ADMINISTRATOR, on=AuditEvent, menu=(90, "操作记录"))
def index() -> Any:
    args = request.args
    filters = []
    if deed := args.get("deed", ""):
        done = AuditEvent.deed == deed
        filters.append(done if sees_many() else placed(done, AuditEvent))  # an index has both
    if (day := _day(args.get("day", ""))) is not None:
        filters.append((AuditEvent.at >= day) & (AuditEvent.at < day + timedelta(days=1)))
    if person := args.get("person", "").strip()[:50]:
        named = User.select(User.id).where((User.login == person.lower()) | (User.name == person))
        filters.append(AuditEvent.by << named)
    near = AuditEvent.deed == deed if deed else None
    page = page_of(AuditEvent, newest(AuditEvent), filters=filters, near=near)
    people, places = _named(page.rows)
    return render_template(
        "admin/audit/index.html",
        page=page, people=people, places=places, words=DEED_WORDS,
        deed=deed, day=args.get("day", ""), person=person,
    )  # fmt: skip


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        return None


def _named(events: list[AuditEvent]) -> tuple[dict[int, str], dict[int, str]]:
    """The names of the people and places on one page of the log, in two queries."""
    people = User.select(User.id, User.name).where(User.id << [e.by_id for e in events])
    wanted = [event.organization_id for event in events]
    places = Organization.select(Organization.id, Organization.name)
    places = places.where(Organization.id << wanted)
    return {u.id: u.name for u in people}, {o.id: o.name for o in places}


@audit.get("/reveal/<kind>/<int:id>")
@allow(Role.CLERK, Role.REVIEWER, Role.FINANCE, on=Member)
def ask(kind: str, id: int) -> Any:
    return _reveal_page(find(Member, id), kind, {}, {}, "")


@audit.post("/reveal/<kind>/<int:id>")
@allow(Role.CLERK, Role.REVIEWER, Role.FINANCE, on=Member)
def reveal(kind: str, id: int) -> Any:
    member, form = find(Member, id), request.form
    try:
        if kind not in REVEALED:
            abort(404)
        number = deeds.reveal(
            member, kind, reason=form.get("reason", ""), by=g.user, at=clock.now()
        )
    except Refused as refused:
        return _reveal_page(member, kind, form, refused.by_field(), ""), 422
    return _reveal_page(member, kind, form, {}, number)


def _reveal_page(member: Member, kind: str, form: Any, errors: dict[str, str], number: str) -> str:
    if kind not in REVEALED:
        abort(404)
    return render_template(
        "admin/audit/reveal.html",
        member=member, label=REVEALED[kind], form=form, errors=errors, number=number,
        shown=request.method == "POST" and not errors,
    )  # fmt: skip
