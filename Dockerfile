# One image for the web server, the worker and one-off commands. Code and packages belong to root
# and are read-only for the user that runs them; only var/blobs is written.
FROM python:3.11-slim-bookworm AS packages
RUN python -m venv /opt/venv
COPY requirements/base.lock /tmp/base.lock
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
    --requirement /tmp/base.lock

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    STATICFILES_BACKEND=whitenoise.storage.CompressedManifestStaticFilesStorage
RUN useradd --system --uid 10001 --create-home --shell /usr/sbin/nologin skillboard
WORKDIR /srv/skillboard
COPY --from=packages /opt/venv /opt/venv
COPY manage.py ./
COPY config config
COPY accounts accounts
COPY jobs jobs
COPY skills skills
COPY traces traces
COPY moderation moderation
COPY templates templates
# Collecting files reads settings; these values serve for that alone and stay in no layer.
RUN SECRET_KEY=only-to-collect-static-files DATABASE_URL=postgres://nobody@localhost/none \
    python manage.py collectstatic --noinput \
    && install --directory --owner skillboard --group skillboard var/blobs
USER skillboard
EXPOSE 8000
# Said to come through the proxy, or a server with https:// in SITE_URL answers with a redirect.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "4", "--threads", "4", "--timeout", "60", "--graceful-timeout", "30", \
     "--max-requests", "20000", "--max-requests-jitter", "2000", "--worker-tmp-dir", "/dev/shm"]
