# Sourced by the scripts beside it, which may be started from any folder: relative paths are relative
# to that folder.
#
#   arguments NUMBER "$@"   ends with the usage line where arguments are missing, or on --help
#   absolute PATH           the path from the root
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The code of this checkout, and not of the folder where the script is started
export PYTHONSAFEPATH=1 PYTHONPATH=$repository${PYTHONPATH:+:$PYTHONPATH}
# Huge pages for large arrays (docs/performance.md)
export GLIBC_TUNABLES=${GLIBC_TUNABLES:+$GLIBC_TUNABLES:}glibc.malloc.hugetlb=1

arguments() {
    local needed=$1 usage
    usage="usage: $(sed -n 's/^#   \(launch\/.*\)/\1/p' "$0" | head -n 1)"
    shift
    case ${1:-} in -h | --help) echo "$usage" && exit 0 ;; esac
    [ $# -ge "$needed" ] || { echo "$usage" >&2 && exit 2; }
}

absolute() {
    case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac
}
