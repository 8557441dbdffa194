package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// WriteGitHub writes problems of the wheel at path as annotations of GitHub Actions,
// one a line, and at most [maxRows] of them: GitHub shows ten of each level. Texts of the wheel cannot end a line or begin another command. See
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
func WriteGitHub(w io.Writer, path string, problems []Problem) error {
	w = unguarded(w)
	written := 0
	for i, p := range problems {
		if i == maxRows || written > maxText {
			_, err := fmt.Fprintf(w, "::notice file=%s::and %s; --json has all\n", annotationProperty(path), phrase.Count(len(problems)-i, "more finding"))
			return err
		}
		command := map[Level]string{LevelError: "error", LevelWarning: "warning", LevelNote: "notice"}[p.Level]
		text := annotationText(p.Text)
		if p.Member != "" && !strings.Contains(p.Text, p.Member) {
			text = annotationText(p.Member) + ": " + text
		}
		if p.Help != "" {
			text += "%0Ahelp: " + annotationText(p.Help)
		}
		n, err := fmt.Fprintf(w, "::%s file=%s,title=%s::%s\n", command, annotationProperty(path), annotationProperty(p.Title), text)
		if written += n; err != nil {
			return err
		}
	}
	return nil
}

// longestAnnotation is where an annotation is cut, in bytes: GitHub shows 4 KB.
const longestAnnotation = 2000

// annotationText escapes the text of a command (actions/toolkit, command.ts, escapeData).
func annotationText(text string) string {
	text = Clean(phrase.Cut(text, longestAnnotation))
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// annotationProperty escapes a value in front of the text (escapeProperty).
func annotationProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(annotationText(text))
}

// unguarded returns the writer behind a [Guard], for formats that escape what wheels
// say in their own way.
func unguarded(w io.Writer) io.Writer {
	if g, ok := w.(*Guard); ok {
		return g.w
	}
	return w
}
