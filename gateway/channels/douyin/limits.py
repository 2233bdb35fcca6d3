"""What Douyin Pay can do and will not do. Nothing of it is public: WeChat Pay's is assumed."""

from dataclasses import replace

from gateway.channels.wechat.limits import WECHAT_LIMITS

DOUYIN_LIMITS = replace(WECHAT_LIMITS, fence_age_min={}, deduct_hours={})
