# The program and nothing else:
#
#   docker build --tag wheelmend .
#   docker run --rm --volume "$PWD:/work" wheelmend audit demo-1.0-cp312-cp312-linux_x86_64.whl
#
# Libraries to copy in are not in the image: mount them, and name the folder with
# --search-path or --sysroot.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go run ./scripts/dist -targets "linux/$(go env GOARCH)" \
 && mv dist/wheelmend-linux-* /wheelmend

FROM scratch
COPY --from=build /wheelmend /wheelmend
COPY --from=build /tmp /tmp
WORKDIR /work
ENTRYPOINT ["/wheelmend"]
