# The reference gateway, as an image of its own:
#   docker build -f images/gateway.Dockerfile -t atlas-voice-v2:latest .
ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE}
WORKDIR /app
# Packages that the base image has already are not fetched.
RUN pip install --no-cache-dir 'aiohttp>=3.11' 'asyncpg>=0.30'
COPY sim/ sim/
RUN python -m compileall -q sim
ENV PYTHONUNBUFFERED=1
EXPOSE 8080
ENTRYPOINT ["python", "-m", "sim.gateway"]
