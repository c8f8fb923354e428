# A stock toxiproxy-server, built from its source.
ARG GO_IMAGE=golang:1.25
FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0 GOBIN=/out
RUN go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
FROM scratch
COPY --from=build /out/server /toxiproxy
ENTRYPOINT ["/toxiproxy"]
