# The server for a team, over HTTP: docs/operations.md says how it is run.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json LICENSE THIRD-PARTY-NOTICES ./
COPY scripts scripts
COPY third-party third-party
COPY assets assets
COPY src src
# Builds as well, and leaves behind what runs.
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    LONGCAT_MCP_DATA_DIR=/data/store \
    LONGCAT_MCP_OUTPUT_DIR=/data/pictures
WORKDIR /app
COPY --from=build /build/package.json /build/LICENSE /build/THIRD-PARTY-NOTICES ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/assets assets
COPY --from=build /build/dist dist
# The one place that is written; everything else may be read-only.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/healthz').then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["http", "--host", "0.0.0.0"]
