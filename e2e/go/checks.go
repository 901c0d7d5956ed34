package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// How test programs report: one line per check, `client TAB flow TAB version TAB pass|fail TAB reason`; see
// ../python/checks.py, which says the same for Python.

const (
	resource   = "05a65629-4c1b-48c1-a78b-804c4abdd4af"
	defaultAll = resource + "/.default"
	read       = resource + "/Investigation.read"
)

var (
	base      = os.Getenv("CASBAH_URL")
	tenant    = os.Getenv("CASBAH_TENANT")
	authority = base + "/" + tenant
)

type check struct {
	flow string
	run  func(context.Context) error
}

// checks are those of one client.
type checks struct {
	client, module string
	all            []check
}

func (c *checks) of(flow string, run func(context.Context) error) {
	c.all = append(c.all, check{flow, run})
}

func (c *checks) run(only string) {
	for _, check := range c.all {
		if !strings.Contains(check.flow, only) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		result, reason := "pass", ""
		if problem := check.run(ctx); problem != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", check.flow, problem)
			result, reason = "fail", shown(problem)
		}
		cancel()
		fmt.Println(strings.Join([]string{c.client, check.flow, versionOf(c.module), result, reason}, "\t"))
	}
}

var blanks = regexp.MustCompile(`\s+`)

// shown is one line without what differs from run to run.
func shown(problem error) string {
	text, _, _ := strings.Cut(problem.Error(), "Trace ID")
	text = strings.ReplaceAll(blanks.ReplaceAllString(text, " "), "|", "/")
	return strings.TrimSpace(text[:min(len(text), 200)])
}

func versionOf(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "?"
}

func expect(condition bool, format string, details ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(format, details...)
}

// listAlerts shows that the token is good for what it was asked for: the API answers.
func listAlerts(token string) error {
	request, _ := http.NewRequest(http.MethodGet, base+"/api/v1/alerts/", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var body struct {
		Data []json.RawMessage `json:"data"`
	}
	err = json.NewDecoder(answer.Body).Decode(&body)
	return errors.Join(err, expect(answer.StatusCode == http.StatusOK, "the API answered %s", answer.Status))
}

// browser has the shared browser (../node/browser.mjs) do something.
func browser(action string, parameters url.Values) error {
	answer, err := http.Get(os.Getenv("E2E_BROWSER") + "/" + action + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return errors.Join(err, expect(answer.StatusCode == http.StatusOK, "the browser: %s", text))
}

func signIn(address string) error {
	return browser("sign-in", url.Values{"url": {address}})
}

// approving approves a device's code while the client polls.
func approving(uri, code string) {
	go func() {
		if err := browser("approve", url.Values{"uri": {uri}, "code": {code}}); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
}

// listener is a client's own address on loopback, which takes one answer of the authorize endpoint.
type listener struct {
	address string
	fields  chan url.Values
}

func listen() (*listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := socket.Addr().(*net.TCPAddr).Port
	l := &listener{fmt.Sprintf("http://localhost:%d", port), make(chan url.Values, 8)}
	go http.Serve(socket, http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		request.ParseForm()
		fmt.Fprint(answer, "done")
		if request.Form.Has("code") || request.Form.Has("error") {
			l.fields <- request.Form
		}
	}))
	return l, nil
}

// code signs in at an authorize address of this listener's client and returns the code.
func (l *listener) code(authorizeURL string) (string, error) {
	if err := signIn(authorizeURL); err != nil {
		return "", err
	}
	select {
	case fields := <-l.fields:
		return fields.Get("code"), expect(fields.Has("code"), "no code but %v", fields)
	case <-time.After(30 * time.Second):
		return "", errors.New("nothing arrived at the client's address")
	}
}
