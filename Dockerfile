# The program and nothing else:
#
#   docker build --tag wheelmend .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" wheelmend \
#       audit demo-1.0-cp312-cp312-linux_x86_64.whl
#
# Libraries to copy in are not in the image: mount them, and name the folder with
# --search-path or --sysroot.
FROM golang:1.26.5@sha256:3aff6657219a4d9c14e27fb1d8976c49c29fddb70ba835014f477e1c70636647 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go run ./scripts/dist -targets "linux/$(go env GOARCH)" \
 && install -d -m 1777 /image/tmp \
 && mv dist/wheelmend-linux-* /image/wheelmend

FROM scratch
COPY --from=build /image /
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/wheelmend"]
