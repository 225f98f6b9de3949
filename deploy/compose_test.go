// Package deploy_test checks what runs Puente outside this repository: docker-compose.yml, the Dockerfile and their
// scripts. No Docker is needed; the files are read and held against the sources.
package deploy_test

import (
	"bufio"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"puente/service"
)

// composeService is the part of a compose service that the tests look at.
type composeService struct {
	Image       string                       `yaml:"image"`
	Command     []string                     `yaml:"command"`
	Environment map[string]string            `yaml:"environment"`
	DependsOn   map[string]map[string]string `yaml:"depends_on"`
	Healthcheck *struct{ Test []string }     `yaml:"healthcheck"`
	Ports       []string                     `yaml:"ports"`
	Volumes     []string                     `yaml:"volumes"`
	Restart     string                       `yaml:"restart"`
}

const (
	healthy   = "service_healthy"
	completed = "service_completed_successfully"
)

// variable is a reference to the environment of compose, with its modifier.
var variable = regexp.MustCompile(`\$\{([A-Z_]+)(:[-?][^}]*)?\}`)

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", path))
	require.NoError(t, err)
	return string(content)
}

func composed(t *testing.T) map[string]composeService {
	t.Helper()
	var file struct{ Services map[string]composeService }
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "docker-compose.yml")), &file))
	return file.Services
}

func TestComposeHasAllServices(t *testing.T) {
	t.Parallel()
	var names []string
	for name := range composed(t) {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{
		"postgresql", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui",
		"puente-migrate", "puente-api", "puente-worker",
	}, names)
}

func TestServicesStartInOrder(t *testing.T) {
	t.Parallel()
	want := map[string]map[string]string{
		"postgresql":         nil,
		"temporal-schema":    {"postgresql": healthy},
		"temporal":           {"temporal-schema": completed},
		"temporal-namespace": {"temporal": healthy},
		"temporal-ui":        {"temporal": healthy},
		"puente-migrate":     {"postgresql": healthy},
		"puente-api":         {"puente-migrate": completed, "temporal-namespace": completed},
		"puente-worker":      {"puente-migrate": completed, "temporal-namespace": completed},
	}
	all := composed(t)
	for name, s := range all {
		got := map[string]string{}
		for other, how := range s.DependsOn {
			got[other] = how["condition"]
			if how["condition"] == healthy {
				require.NotNil(t, all[other].Healthcheck, "%s waits for %s, which cannot become healthy", name, other)
			} else {
				require.Equal(t, "no", all[other].Restart, "%s waits for %s to end", name, other)
			}
		}
		require.Len(t, got, len(want[name]), name)
		for other, condition := range want[name] {
			require.Equal(t, condition, got[other], "%s after %s", name, other)
		}
	}
}

func TestImagesArePinnedToWhatTheTestsRun(t *testing.T) {
	t.Parallel()
	server, ui := moduleVersion(t, "go.temporal.io/server"), moduleVersion(t, "github.com/temporalio/ui-server/v2")
	want := map[string]string{
		"temporal": "temporalio/server:" + server, "temporal-schema": "temporalio/admin-tools:" + server,
		"temporal-namespace": "temporalio/admin-tools:" + server, "temporal-ui": "temporalio/ui:" + ui,
	}
	all := composed(t)
	for name, image := range want {
		require.Equal(t, image, all[name].Image)
	}
	require.Regexp(t, `^postgres:\d+\.\d+-alpine`, all["postgresql"].Image)
	for _, name := range []string{"puente-migrate", "puente-api", "puente-worker"} {
		require.Equal(t, "${PUENTE_IMAGE:-puente:dev}", all[name].Image)
	}
}

// moduleVersion is the version of a module in go.mod, without the v.
func moduleVersion(t *testing.T, module string) string {
	t.Helper()
	match := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(read(t, "go.mod"))
	require.NotNil(t, match, module)
	return match[1]
}

func TestDockerfileUsesTheGoOfTheModule(t *testing.T) {
	t.Parallel()
	goVersion := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	require.NotNil(t, goVersion)
	dockerfile := read(t, "Dockerfile")
	require.Contains(t, dockerfile, "FROM golang:"+goVersion[1]+"-")
	require.Contains(t, dockerfile, "CGO_ENABLED=0")
	require.Regexp(t, `(?m)^USER \d+$`, dockerfile, "a numeric user, so that Kubernetes can see it is not root")
}

func TestSecretsHaveNoDefaults(t *testing.T) {
	t.Parallel()
	for _, match := range variable.FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		if strings.Contains(match[1], "PASSWORD") || strings.Contains(match[1], "SECRET") {
			require.Equal(t, ":?set it in .env", match[2], match[1])
		}
	}
	for name, value := range exampleEnv(t) {
		if strings.Contains(name, "PASSWORD") || strings.Contains(name, "SECRET") {
			require.Empty(t, value, name)
		}
	}
}

func TestExampleEnvironmentNamesWhatComposeAsksFor(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, match := range variable.FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		asked[match[1]] = true
	}
	example := exampleEnv(t)
	for name := range asked {
		require.Contains(t, example, name)
	}
	for name := range example {
		require.True(t, asked[name], "%s is in .env.example, but compose does not use it", name)
	}
}

func exampleEnv(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(read(t, ".env.example")))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(name, "#") {
			all[name] = value
		}
	}
	require.NoError(t, lines.Err())
	return all
}

func TestServiceReadsTheVariablesItIsGiven(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"TEMPORAL_ADDRESS": true, "TEMPORAL_NAMESPACE": true} // read by the SDK (temporal reference §2)
	for field := range reflect.TypeFor[service.Config]().Fields() {
		known[field.Tag.Get("env")] = true
	}
	for name, s := range composed(t) {
		if !strings.HasPrefix(name, "puente-") {
			continue
		}
		for _, needed := range []string{"PUENTE_DATABASE_URL", "PUENTE_SECRET_KEY", "TEMPORAL_ADDRESS"} {
			require.Contains(t, s.Environment, needed, name)
		}
		for variable := range s.Environment {
			require.True(t, known[variable], "%s is given %s, which the service does not read", name, variable)
		}
	}
}

func TestServiceHasTheCommandsItIsStartedWith(t *testing.T) {
	t.Parallel()
	source := read(t, "cmd/puente/serve.go") + read(t, "cmd/puente/migrate.go")
	for name, s := range composed(t) {
		if strings.HasPrefix(name, "puente-") {
			require.Len(t, s.Command, 1, name)
			require.Contains(t, source, `"`+s.Command[0]+`"`, name)
		}
	}
}

func TestMountedFilesExistAndScriptsAreShell(t *testing.T) {
	t.Parallel()
	for name, s := range composed(t) {
		for _, volume := range s.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(source, "./") {
				require.FileExists(t, filepath.Join("..", existing(t, source)), name)
				require.True(t, strings.HasSuffix(volume, ":ro"), "%s may write to %s", name, source)
			}
		}
	}
	for _, script := range []string{"postgres/databases.sh", "temporal/schema.sh", "temporal/namespace.sh"} {
		require.Regexp(t, `^#!/bin/sh\n`, read(t, "deploy/"+script))
	}
}

// existing is the file itself, or a file of the mounted directory.
func existing(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(filepath.Join("..", path))
	require.NoError(t, err)
	if !info.IsDir() {
		return path
	}
	return filepath.Join(path, "schema.sh")
}

func TestPortsStayOnLoopbackUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	for name, s := range composed(t) {
		for _, port := range s.Ports {
			require.Contains(t, port, ":-127.0.0.1:", name)
		}
	}
}
