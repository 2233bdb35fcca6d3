# The gateway's image: a virtual environment made from the hash-checked lock, copied onto a slim base.
# It holds no compiler, no pip and no embedded Postgres: nobody's money lives in a container's layer.
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/gateway
COPY requirements-image.lock ./
RUN /opt/gateway/bin/pip install --no-compile --require-hashes --only-binary :all: -r requirements-image.lock
COPY . .
# Our own packages come last, so that a change of code reuses the layers above. What built them goes again.
# Bytecode is made here, with no dates in it: at run time the file system may be read-only.
RUN /opt/gateway/bin/pip install --no-compile --no-deps --no-build-isolation ./clients/python . \
 && /opt/gateway/bin/pip uninstall --yes --quiet setuptools pip \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/gateway/lib

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="payment-gateway" \
      org.opencontainers.image.description="Pay, refund and query over gRPC, with a double-entry ledger in Postgres." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
# The standard library's bytecode too: the health check is a process of its own every few seconds.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip \
 && python -m compileall -q --invalidation-mode unchecked-hash -x '/(idlelib|lib2to3|test|tkinter|turtledemo)/' /usr/local/lib/python3* \
 && useradd --uid 10001 --user-group --home-dir /var/lib/gateway --no-create-home --shell /usr/sbin/nologin gateway \
 && install --directory --owner=gateway --group=gateway --mode=700 /var/lib/gateway
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/gateway
# gRPC, notifications from channels, health and metrics over HTTP.
EXPOSE 7070 7071 7072
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["gateway", "health"]
ENTRYPOINT ["gateway"]
CMD ["serve"]
