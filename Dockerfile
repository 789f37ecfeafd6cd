# A service of saved models: docker build -t arborank . && docker run -p 8080:8080 -v ./model:/models/model:ro arborank
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY CMakeLists.txt LICENSE README.md pyproject.toml ./
COPY native native
COPY src src
RUN python -m venv /opt/arborank && /opt/arborank/bin/pip install --no-cache-dir '.[serve]'

FROM python:3.13-slim
COPY --from=build /opt/arborank /opt/arborank
RUN useradd --system --uid 10001 --no-create-home arborank && mkdir /models && chown arborank /models
ENV PATH=/opt/arborank/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /models
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=60s CMD ["python", "-c", \
  "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
# Whoever reaches the container may ask: give --keys instead of --no-auth where that is not your proxy alone.
ENTRYPOINT ["arborank", "serve", "--host", "0.0.0.0"]
CMD ["--no-auth", "model"]
