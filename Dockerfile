# The service (cmd/puente) as a small image without a C library: about 60 MB, runs as an ordinary user.
# Build: docker build --build-arg VERSION=$(git describe --tags --always) -t puente .

FROM golang:1.26.8-alpine3.22 AS build
WORKDIR /src
# The modules change less often than the code: their layer is kept.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/puente ./cmd/puente

FROM alpine:3.22
# Certificates for the portals' https, time zones for the transcripts.
RUN apk add --no-cache ca-certificates tzdata \
    && adduser -D -H -u 10001 puente \
    && install -d -o puente -g puente /var/lib/puente /var/lib/puente/recordings
COPY --from=build /out/puente /usr/local/bin/puente
USER 10001
WORKDIR /var/lib/puente
EXPOSE 8080
ENTRYPOINT ["puente"]
CMD ["serve"]
