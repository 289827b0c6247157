# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/gatekeeper \
    && /opt/gatekeeper/bin/pip install --no-cache-dir ".[postgresql]"

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/gatekeeper --create-home gatekeeper
COPY --from=build /opt/gatekeeper /opt/gatekeeper
ENV PATH=/opt/gatekeeper/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GATEKEEPER_DATABASE_URL=sqlite:////var/lib/gatekeeper/gatekeeper.db
USER 10001
WORKDIR /var/lib/gatekeeper
VOLUME /var/lib/gatekeeper
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["gatekeeper"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
