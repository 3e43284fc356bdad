#!/usr/bin/env bash
# The documentation as a web page, with the simulator in the browser beside it: scripts/site.sh [DIR] (default: out/site). Any web server
# serves it; the documentation opens as files too.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:-out/site}
go run ./internal/site "$dir"
go run ./cmd/browser -out "$dir/browser"
