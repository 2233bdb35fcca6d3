-- What a key stands for is written once and never changed, its refusal neither: the role that serves needs no right to.

revoke update (refusal, refusal_message) on operations from gateway_runtime;
