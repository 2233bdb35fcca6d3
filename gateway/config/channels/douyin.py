"""Settings of Douyin Pay, which has certificates only."""

from typing import Final

from pydantic_settings import BaseSettings

from gateway.config.channels import v3style
from gateway.config.fields import text
from gateway.config.values import Account, BaseUrl, Paths, Words

TITLE: Final = "Douyin Pay"


class DouyinFields(BaseSettings):
    """What the channel `douyin` needs."""

    douyin_url: BaseUrl | None = v3style.url(TITLE, "douyin")
    douyin_merchant_id: Account | None = v3style.merchant_id(TITLE)
    douyin_app_id: Account | None = v3style.app_id(TITLE)
    douyin_merchant_key_file: Paths = v3style.merchant_key_file()
    douyin_merchant_serial: Words = v3style.merchant_serial()
    douyin_api_v3_key_file: Paths = v3style.api_v3_key_file()
    douyin_platform_certificate_file: Paths = v3style.platform_certificate_file()
    douyin_platform_certificate_serial: Words = v3style.platform_certificate_serial()
    douyin_deduct_trade_type: Account = text("SGP", "Trade type of our plan of deductions.")


NEEDS: Final = v3style.needs("douyin")
