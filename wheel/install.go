package wheel

import (
	"path"
	"slices"
	"strings"
)

// schemes are the folders of .data and where installers put what lies there
// (PEP 427, The .data directory). purelib and platlib are one folder almost
// everywhere, and that of the archive's root.
var schemes = map[string]string{
	"purelib": "lib", "platlib": "lib", "scripts": "bin", "headers": "include", "data": "data",
}

// dataPlaces are folders of the data scheme that are those of another scheme,
// in an environment of Linux, macOS or Windows; * stands for one part.
var dataPlaces = []struct{ pattern, place string }{
	{"bin", "bin"}, {"Scripts", "bin"},
	{"lib/python*/site-packages", "lib"}, {"lib64/python*/site-packages", "lib"}, {"Lib/site-packages", "lib"},
	{"include/site/python*/*", "include"},
}

// written are the files of .dist-info that installers write (Recording installed
// projects), with content of their own.
var written = map[string]bool{"INSTALLER": true, "REQUESTED": true, "direct_url.json": true, "uv_cache.json": true, "uv_build.json": true}

// Misplaced returns the members of a wheel of this name that pip, installer and
// uv do not install to the same path with the same bytes, or that one of them
// refuses: each a [*FormatError]. With fold, names that differ in case alone are
// one path, as on Windows and macOS. At most some hundred are returned.
func (r *Reader) Misplaced(name Filename, fold bool) []error {
	p := placer{reader: r, fold: fold, data: strings.TrimSuffix(r.distInfo, ".dist-info") + ".data", at: map[string]string{}}
	p.named = p.data == name.Name+"-"+name.Version+".data"
	commands := r.commands(&p.odd)
	for _, command := range commands {
		if rule := reservedRule(command); rule != "" {
			p.odd.add(r.distInfo+"/entry_points.txt", -1, "command %q: %s", command, rule)
		}
		p.place(r.distInfo+"/entry_points.txt", "bin/"+command)
	}
	for _, m := range r.members {
		p.member(m, commands)
	}
	p.nested()
	return p.odd.errors()
}

// commands returns the scripts that entry_points.txt has installers write.
func (r *Reader) commands(odd *oddities) []string {
	m, ok := r.byName[r.distInfo+"/entry_points.txt"]
	if !ok {
		return nil
	}
	commands, err := parseMember(r, "entry_points.txt", maxInfo, ParseCommands)
	if err != nil {
		odd.add(m.Name, -1, "%s", strings.TrimPrefix(err.Error(), quoteName(m.Name)+": "))
	}
	return commands
}

// A placer works out where members are installed.
type placer struct {
	reader *Reader
	fold   bool
	data   string // the .data folder
	named  bool   // the file name asks for the same
	at     map[string]string
	order  []string // the keys of at
	odd    oddities
}

// place notes that a member is installed to a path, and a second one there.
func (p *placer) place(member, at string) {
	key := at
	if p.fold {
		key = strings.ToLower(at)
	}
	other, taken := p.at[key]
	if taken {
		p.odd.add(member, -1, "is installed to the same path as %s", quoteName(other))
		return
	}
	p.at[key] = member
	p.order = append(p.order, key)
}

// nested reports files that are installed to where another member needs a folder.
func (p *placer) nested() {
	slices.SortFunc(p.order, comparePaths)
	for i := 1; i < len(p.order); i++ {
		if file := p.order[i-1]; strings.HasPrefix(p.order[i], file+"/") {
			p.odd.add(p.at[p.order[i]], -1, "is installed below %s, which is a file", quoteName(p.at[file]))
		}
	}
}

// member checks where one member goes.
func (p *placer) member(m *Member, commands []string) {
	top, rest, nested := strings.Cut(m.Name, "/")
	if rule := oddName(m.Name); rule != "" {
		p.odd.add(m.Name, -1, "%s", rule)
	}
	if base, ok := strings.CutPrefix(m.Name, p.reader.distInfo+"/"); ok && written[base] {
		p.odd.add(m.Name, -1, "installers write this file themselves")
	}
	if slices.Contains(strings.Split(path.Dir(strings.TrimSuffix(m.Name, "/")), "/"), "__pycache__") {
		p.odd.add(m.Name, -1, "lies in __pycache__: installer leaves it out, pip installs it")
	}
	switch {
	case !strings.HasSuffix(strings.ToLower(top), ".data"):
		if !m.IsDir() {
			p.place(m.Name, "lib/"+m.Name)
		}
	case !nested:
		p.odd.add(m.Name, -1, "a file at top level must not end in .data: pip takes it for a folder")
	case top != p.data || !p.named:
		p.odd.add(m.Name, -1, "folder %s has not the name and version of the file name and of %s: installers differ in whether they read it", quoteName(top), quoteName(p.reader.distInfo))
	default:
		p.scheme(m, rest, commands)
	}
}

// scheme checks a member of the .data folder; rest is its path there.
func (p *placer) scheme(m *Member, rest string, commands []string) {
	if rest == "" {
		return
	}
	name, file, nested := strings.Cut(rest, "/")
	place, known := schemes[name]
	switch {
	case !known:
		p.odd.add(m.Name, -1, "%q is no scheme of a .data folder: purelib, platlib, headers, scripts and data are (PEP 427)", name)
		return
	case !nested:
		p.odd.add(m.Name, -1, "a file in the place of the folder %s", name)
		return
	case file == "":
		return
	case name == "scripts" && strings.Contains(file, "/"):
		p.odd.add(m.Name, -1, "scripts has a folder, which uv does not install")
		return
	case m.IsDir():
		return
	}
	if name == "data" {
		place, file = dataPlace(file)
	}
	if place == "bin" && !strings.Contains(file, "/") {
		p.script(m, file, commands)
	}
	p.place(m.Name, place+"/"+file)
}

// dataPlace returns the place of a file of the data scheme, and its path there.
func dataPlace(file string) (place, rest string) {
	parts := strings.Split(file, "/")
	for _, d := range dataPlaces {
		n := strings.Count(d.pattern, "/") + 1
		if len(parts) <= n {
			continue
		}
		if ok, err := path.Match(d.pattern, path.Join(parts[:n]...)); ok && err == nil {
			return d.place, path.Join(parts[n:]...)
		}
	}
	return "data", file
}

// script checks a file of the folder for commands.
func (p *placer) script(m *Member, file string, commands []string) {
	if rule := reservedRule(file); rule != "" {
		p.odd.add(m.Name, -1, "%s", rule)
	}
	command := file
	for _, end := range []string{".exe", "-script.py", ".pya"} {
		if len(file) > len(end) && strings.EqualFold(file[len(file)-len(end):], end) {
			command = file[:len(file)-len(end)]
			break
		}
	}
	if command != file && slices.Contains(commands, command) {
		p.odd.add(m.Name, -1, "pip leaves it out for the command %q of entry_points.txt", command)
	}
}

// reservedRule returns why a command may not have a name that is Python's own,
// as uv has it.
func reservedRule(name string) string {
	base := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".exe"), ".py")
	minor, ok := strings.CutPrefix(base, "python3.")
	if !ok {
		minor, ok = strings.CutPrefix(base, "pythonw3.")
	}
	minor = strings.TrimSuffix(minor, "t")
	switch {
	case ok && minor != "" && strings.Trim(minor, "0123456789") == "",
		slices.Contains([]string{"python", "pythonw", "python3", "graalpy", "pypy", "pypy2", "pypy3"}, base):
		return "the name belongs to Python itself, uv refuses it"
	}
	return ""
}
