# The service, the relay and Locust: one image, which docker-compose.yml starts as each of them.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY constraints.txt ./
RUN python -m venv /opt/outboxbench \
 && /opt/outboxbench/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY bench ./bench
COPY results/*.schema.json ./results/
RUN /opt/outboxbench/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --create-home outboxbench \
 && install --directory --owner outboxbench /results
COPY --from=build /opt/outboxbench /opt/outboxbench
COPY bench/locustfile.py /opt/outboxbench/locustfile.py
ENV PATH=/opt/outboxbench/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /results
USER outboxbench
EXPOSE 8080
ENTRYPOINT ["outboxbench"]
CMD ["serve", "--host", "0.0.0.0"]
