# Sourced by tests/run.sh and .ci/run: named sections with their times, and a clear last line.

section_name=
section_started=0

# section NAME: ends the one before and begins the next.
section() {
    end_section
    section_name=$1
    section_started=$SECONDS
    printf '\n=== %s\n' "$section_name"
}

end_section() {
    if [ -n "$section_name" ]; then
        printf '=== %s: ok, %d s\n' "$section_name" $((SECONDS - section_started))
    fi
    section_name=
}

# To be called by a trap on EXIT with the script's name and $?.
report_end() {
    if [ "$2" -ne 0 ]; then
        printf '\n%s FAILED in section "%s" (exit code %d)\n' "$1" "${section_name:-start}" "$2" >&2
    else
        end_section
        printf '\n%s: all passed in %d s\n' "$1" "$SECONDS"
    fi
}
