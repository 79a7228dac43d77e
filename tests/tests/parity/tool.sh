# What `tests/guests/tool` does, for the tiers that run programs.
file() {
    case "$1" in
        write) printf '%s' "$3" > "$2" ;;
        append) [ -f "$2" ] && printf '%s' "$3" >> "$2" ;;
        read) cat "$2" ;;
        list) LC_ALL=C ls -A "$2" ;;
        remove) rm "$2" ;;
        move) mv "$2" "$3" ;;
        mkdir) mkdir "$2" ;;
        rmdir) rmdir "$2" ;;
        *) false ;;
    esac
}
word=$1
shift
case "$word" in
    echo) echo "$*" ;;
    cat) cat ;;
    exit) exit "$1" ;;
    both)
        echo 'to standard output'
        echo 'to standard error' >&2
        ;;
    print) head -c "$1" /dev/zero | tr '\0' x ;;
    linger)
        echo begun
        exec sleep 3600
        ;;
    grow) exec tail /dev/zero ;;
    files)
        for step in "$@"; do
            set -f
            if ! file $step; then exit 1; fi
            echo "$step: done"
        done
        ;;
    *) exit 2 ;;
esac
