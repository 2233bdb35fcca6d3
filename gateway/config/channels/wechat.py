"""Settings of WeChat Pay, in either of its key modes."""

from typing import Final

from pydantic_settings import BaseSettings

from gateway.config.channels import v3style
from gateway.config.fields import text
from gateway.config.values import Account, BaseUrl, Paths, Words

TITLE: Final = "WeChat Pay"


class WechatFields(BaseSettings):
    """What the channel `wechat` needs."""

    wechat_url: BaseUrl | None = v3style.url(TITLE, "wechat")
    wechat_merchant_id: Account | None = v3style.merchant_id(TITLE)
    wechat_app_id: Account | None = v3style.app_id(TITLE)
    wechat_merchant_key_file: Paths = v3style.merchant_key_file()
    wechat_merchant_serial: Words = v3style.merchant_serial()
    wechat_api_v3_key_file: Paths = v3style.api_v3_key_file()
    wechat_platform_public_key_file: Paths = text(
        (), "Files of the channel's public keys, PEM, for merchants in public-key mode."
    )
    wechat_platform_public_key_id: Words = text(
        (), "Ids of these public keys, PUB_KEY_ID_..., in the same order."
    )
    wechat_platform_certificate_file: Paths = v3style.platform_certificate_file()
    wechat_platform_certificate_serial: Words = v3style.platform_certificate_serial()
    wechat_store_id: Account | None = text(
        None, "Our own number of the store that barcode payments are taken in."
    )


NEEDS: Final = v3style.needs("wechat", ("platform_public_key_file", "platform_public_key_id"))
