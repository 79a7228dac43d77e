#!/bin/sh
# Drafts release notes from the commits since a revision, or from all of them.
set -eu

since=${1:-}
range=HEAD
if [ -n "$since" ]; then
    range="$since..HEAD"
fi

# Whoever runs this may not own the repository: a container has other users.
log() {
    git -c safe.directory='*' log --no-merges "$@"
}

title=${NOTES_TITLE:-"Release notes"}
count=$(log --format=%h "$range" | wc -l)

{
    printf '# %s\n' "$title"
    log --format=%s "$range" | sort | awk -F ': ' '
        { area = NF > 1 ? $1 : "other"; text = NF > 1 ? substr($0, length($1) + 3) : $0 }
        area != last { printf "\n## %s\n\n", area; last = area }
        { printf "- %s\n", text }
    '
} > RELEASE_NOTES.md

printf 'RELEASE_NOTES.md: %d commits\n' "$count"
