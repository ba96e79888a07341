# Finds includes against the direction: awk -f this include_rules includes, where `includes` has lines of
# `grep -n '#include'` (path:line:text). Prints one line for each fault; exit status 1 where there is one.

FNR == NR {
  sub(/#.*/, "")
  if ($1 == "folder") folders[$2] = " " rest(3) " "
  if ($1 == "library") { is_public[$2] = $3 == "public"; users[$2] = " " rest($3 == "public" ? 4 : 3) " " }
  next
}

{
  split($0, place, ":")
  file = place[1]; where = file ":" place[2]
  folder = owner(file)
  if (folder == "") { report(where ": this folder has no rule in tools/lib/include_rules"); next }
  text = $0
  quoted = text ~ /include[ \t]*"/
  if (!sub(/^.*include[ \t]*["<]/, "", text) || !sub(/[">].*$/, "", text)) next
  if (owner(text) != "") project_include(text)
  else if ((library = library_of(text)) != "") library_include(text)
  else if (quoted) report(where ": \"" text "\" is not written from the project's root")
}

END {
  spread_leaks()
  for (i = 1; i <= edges; i++)
    if (to[i] in leaks && owner(from[i]) != owner(to[i]) && from[i] !~ /^(tests|bench)\//)
      report(at[i] ": " to[i] " brings " leaks[to[i]] " along, which stays inside " owner(to[i]))
  exit faults > 0
}

function project_include(path,   target) {
  target = owner(path)
  edges++; from[edges] = file; to[edges] = path; at[edges] = where
  if (target == folder || folders[folder] == " * " || index(folders[folder], " " target " ")) return
  report(where ": " folder " must not include " path " (it may include:" folders[folder] ")")
}

function library_include(path) {
  if (!used_by(library, file)) report(where ": " folder " must not include <" path "> (only:" users[library] "may)")
  else if (file ~ /\.h$/ && !is_public[library]) leaks[file] = "<" path ">"
}

# A header that includes a leaking header leaks as well.
function spread_leaks(   i, more) {
  do {
    more = 0
    for (i = 1; i <= edges; i++)
      if (from[i] ~ /\.h$/ && to[i] in leaks && !(from[i] in leaks)) { leaks[from[i]] = leaks[to[i]]; more = 1 }
  } while (more)
}

# The rule's folder that a path lies in; the longest, where several match.
function owner(path,   name, best) {
  best = ""
  for (name in folders)
    if ((path == name || index(path, name "/") == 1) && length(name) > length(best)) best = name
  return best
}

function library_of(path,   prefix) {
  for (prefix in users) if (index(path, prefix) == 1) return prefix
  return ""
}

function used_by(prefix, path,   count, names, i) {
  count = split(users[prefix], names, " ")
  for (i = 1; i <= count; i++) if (index(path, names[i] "/") == 1) return 1
  return 0
}

function rest(first,   i, words) {
  words = ""
  for (i = first; i <= NF; i++) words = words (i > first ? " " : "") $i
  return words
}

function report(text) { print text; faults++ }
