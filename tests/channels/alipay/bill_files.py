"""Bills as Alipay makes them, for tests: an archive of two files in GBK, cells padded with tabs."""

import io
import zipfile

HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
PREFACE = [
    "#支付宝业务明细查询",
    "#账号：[20881021462251350156]",
    "#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]",
    "#-----------------------------------------业务明细列表----------------------------------------",
]
END = (
    "#-----------------------------------------业务明细列表结束------------------------------------"
)
MADE = "#导出时间：[2026年03月02日 05:46:49]"


def row(
    number: str,
    kind: str = "交易",
    amount: str = "20.00",
    *,
    request_no: str = "",
    fee: str = "-0.12",
    name: str = "茶 tea",
    remark: str = "",
    receipt: str = "",
    trade_no: str = "2026030122001455610512345678",
    party: str = "*三(138****0001)",
    coupon: str = "",
) -> str:
    """One line of a bill."""
    cells = [
        f"{trade_no}\t",
        f"{number}\t",
        f"{kind}\t",
        name,
        "2026-03-01 11:59:00",
        "2026-03-01 12:00:00",
        *["\t"] * 4,
        f"{party}\t",
        amount,
        receipt or amount,
        *["0.00"] * 5,
        coupon,
        "0.00\t",
        "0.00",
        f"{request_no}\t",
        fee,
        "0.00",
        remark,
    ]
    return ",".join(cells)


def totals(charges: tuple[int, str], refunds: tuple[int, str]) -> list[str]:
    """The lines after the lines."""
    return [
        END,
        f"#交易合计：{charges[0]}笔，商家实收共{charges[1]}元，商家优惠共0.00元",
        f"#退款合计：{refunds[0]}笔，商家实收退款共{refunds[1]}元，商家优惠退款共0.00元",
        MADE,
    ]


def text_of(rows: list[str], trailer: list[str], end: str = "\r\n", header: str = HEADER) -> str:
    """The file with the details."""
    return "".join(f"{line}{end}" for line in [*PREFACE, header, *rows, *trailer])


def archive(*texts: str, charset: str = "gbk") -> bytes:
    """An archive of these files, and of a summary; names are in GBK as well."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for place, text in enumerate(["#支付宝业务汇总查询\r\n合计\t,\t,1,1\r\n", *texts]):
            name = f"{place}_业务明细.csv".encode("gbk").decode("cp437")
            packed.writestr(name, text.encode(charset))
    return made.getvalue()


def bill_file(rows: list[str], trailer: list[str], end: str = "\r\n") -> bytes:
    """The archive of a bill."""
    return archive(text_of(rows, trailer, end))
