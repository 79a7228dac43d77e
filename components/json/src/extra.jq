# Functions of jq that jaq does not bring, or does otherwise.

def debug: .;
def debug(message): .;
def stderr: .;
def halt_error: error;
def halt_error($code): error;

def tostring: if isstring then . else tojson end;
def ascii: [.] | implode;
def toarray: if isarray then . else [.] end;
def ltrimstr($x): if isstring and ($x | isstring) and startswith($x) then .[($x | length):] else . end;
def rtrimstr($x): if isstring and ($x | isstring) and $x != "" and endswith($x) then .[:length - ($x | length)] else . end;
def trimstr($x): ltrimstr($x) | rtrimstr($x);
def join($s):
  reduce .[] as $x (null; (if . == null then "" else . + $s end) +
    if $x == null then "" elif $x | isboolean or isnumber then $x | tojson else $x end) // "";
def from_entries:
  reduce .[] as $x ({}; . + {
    ($x | if .key == null then .k // .name // .Name // .K // .Key else .key end
        | if isstring then . elif isnumber or isboolean or . == null then tojson else error("cannot use it as a key") end):
    ($x | if has("value") then .value elif has("v") then .v else .Value end) });
def with_entries(f): to_entries | map(f) | from_entries;

# Makes what is missing on the way, as jq does.
def setpath($path; $x):
  if $path == [] then $x else $path[0] as $key
    | if . == null then (if $key | isstring then {} else [] end) else . end
    | (.[$key] | setpath($path[1:]; $x)) as $new
    | if isarray and ($key | isnumber) and $key >= length then . + [range($key - length) | null] + [$new]
      else .[$key] = $new end
  end;
def leaf_paths: paths(scalars);
def tostream:
  path(def r: (.[]? | r), .; r) as $p
  | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init;
      if .e then $init else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream | . as $input
  | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;

def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);

def todate: todateiso8601;
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;

def @csv: [.[] | if isstring then "\"" + (split("\"") | join("\"\"")) + "\""
  elif isarray or isobject then error("an array or object cannot be a field of CSV")
  elif . == null then "" else tojson end] | join(",");
def @tsv: [.[] | if isstring then split("\\") | join("\\\\") | split("\t") | join("\\t") | split("\n") | join("\\n")
    | split("\r") | join("\\r")
  elif isarray or isobject then error("an array or object cannot be a field of TSV")
  elif . == null then "" else tojson end] | join("\t");
