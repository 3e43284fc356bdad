#!/usr/bin/env bash
# For fuzz.sh, go test's -toolexec: counts coverage only in packages that read input. All counters are looked through after
# every execution; those of drawing, pages and most of the standard library make it up to ten times slower.
set -euo pipefail
tool=$1
shift
[ "$(basename "$tool" .exe)" = compile ] || exec "$tool" "$@"
if [[ " $* " == *" -V=full "* ]]; then
  echo "$("$tool" "$@") readers" # a name of its own in the build cache
  exit
fi
args=()
package=
last=
for a; do
  [ "$last" != -p ] || package=$a
  last=$a
  args+=("$a")
done
case $package in
  warpdrop* | main | gopkg.in/yaml* | encoding/* | debug/* | compress/* | */compress/* | */lz4/*) ;;
  *) args=("${args[@]/#-d=libfuzzer/-d=libfuzzer=0}") ;;
esac
exec "$tool" "${args[@]}"
