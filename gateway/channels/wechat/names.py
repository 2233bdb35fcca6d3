"""What WeChat Pay calls things."""

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1

from gateway.channels.v3style.names import Names

WECHAT = Names(
    channel="wechat",
    scheme="WECHATPAY2-SHA256-RSA2048",
    header="Wechatpay",
    key_id_prefix="PUB_KEY_ID_",
    seal="AEAD_AES_256_GCM",
    field_padding=OAEP(MGF1(SHA1()), SHA1(), None),  # noqa: S303 - the protocol says SHA-1
    front_sign_type="RSA",
    transactions="/v3/pay/transactions",
    refunds="/v3/refund/domestic/refunds",
    certificates="/v3/certificates",
    certificate_list="data",
    certificate_id="serial_no",
    certificate_text="ciphertext",
    bill="/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP",
)
