#!/usr/bin/env bash
# Formats JSON files in place: sorted keys, two spaces, a line break at the end.
set -euo pipefail

changed=0
broken=0

tidy() {
    local file=$1 formatted
    if ! formatted=$(jq --sort-keys --indent 2 . "$file" 2> /dev/null); then
        printf '%s: no JSON\n' "$file" >&2
        broken=$((broken + 1))
    elif [ "$formatted" != "$(cat "$file")" ]; then
        printf '%s\n' "$formatted" > "$file"
        changed=$((changed + 1))
    fi
}

if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -d '' files < <(find . -name '*.json' -print0 | sort -z)
fi

for file in "${files[@]}"; do
    tidy "$file"
done

printf '%d files, %d changed, %d no JSON\n' "${#files[@]}" "$changed" "$broken"
[ "$broken" -eq 0 ]
