# A node of the network. Dockerfile.bootstrap is the same but for its last line, so that both share every layer.

FROM node:24-bookworm-slim AS build
LABEL org.opencontainers.image.title=hearsay
WORKDIR /app
# The packages before the sources: a changed source does not fetch them again.
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/bundle.mjs ./scripts/
COPY src ./src
# What runs, and of the packages only what it imports, in a few files.
RUN node scripts/bundle.mjs

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title=hearsay \
      org.opencontainers.image.description="Peer discovery by gossip: a node, or a bootstrap"
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/dist ./dist
COPY scripts/node.sh ./
# The compile cache spares a hundred containers compiling the same modules a hundred times. It belongs to one user id.
RUN install -d -o node -g node /app/.compile-cache
# One allocation arena for all threads spares memory (docs/docker.md).
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/.compile-cache \
    MALLOC_ARENA_MAX=1 \
    HELLO=1
USER node
# Lives for a moment, to fill the cache; and an image whose node does not start and stop is not built. On the loopback, or it
# would look for a network that runs on this machine, and join it.
RUN HOST=127.0.0.1 HTTP_PORT=0 GOSSIP_PORT=0 HELLO=0 LOG_LEVEL=warn timeout --preserve-status --kill-after=5 5 ./node.sh node
EXPOSE 5000 7979/udp
# Bash speaks enough HTTP for this; a Node process per check would cost far more than the node itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["bash", "-c", \
  "case ${HOST:-} in ''|0.0.0.0|::) host=127.0.0.1;; *) host=$HOST;; esac; exec 3<>/dev/tcp/$host/${HTTP_PORT:-5000} && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 4 answer <&3 && [[ $answer == *' 200 '* ]]"]
ENTRYPOINT ["/app/node.sh"]
CMD ["node"]
