"""What Douyin Pay calls things."""

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from gateway.channels.v3style.names import Names

DOUYIN = Names(
    channel="douyin",
    scheme="DouyinPay-RSA",
    header="Douyinpay",
    key_id_prefix="",
    seal="AEAD-AES-256-GCM",
    field_padding=PKCS1v15(),
    front_sign_type="DouyinPay-RSA",
    transactions="/v1/trade/transactions",
    refunds="/v1/trade/refund/domestic/refunds",
    certificates="/v1/merchant/certificates/getPlatformCertificates",
    certificate_list="certificates",
    certificate_id="cert_no",
    certificate_text="cipher_text",
    bill="/v1/bill/billapply?mchid={mchid}&bill_date={day}&bill_type=TRADE&tar_type=GZIP",
)
