package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	h := Handler(Sources{
		Version: "1.2.3",
		Nodes:   func() map[string]int { return map[string]int{"alive": 3, "failed": 1} },
		Members: func() map[string]int { return map[string]int{"alive": 3} },
		Shells:  func() (int, int) { return 2, 1 },
		Doing:   func() map[string]int { return map[string]int{"waiting": 1, "quiet": 1} },
		Output:  func() int64 { return 12345 },
		Streams: func() int { return 4 },
		Lines:   func() int64 { return 99 },
		Stats: func() (values, limits map[string]float64) {
			return map[string]float64{"cpu": 0.5, "unheard": 1}, map[string]float64{"memory": 1024}
		},
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`convoy_build_info{version="1.2.3"} 1`, `convoy_nodes{status="alive"} 3`, `convoy_nodes{status="failed"} ` +
			`1`, `convoy_members{state="alive"} 3`,
		`convoy_shells{state="running"} 2`, `convoy_shells{state="ended"} 1`,
		`convoy_shells_doing{doing="waiting"} 1`, `convoy_shell_output_bytes ` +
			`12345`, `convoy_streams 4`, `convoy_log_lines_total 99`, "go_goroutines",
		"convoy_cpu_cores 0.5", "convoy_memory_limit_bytes 1024",
	} {
		if !strings.Contains(w.Body.String(), want+"\n") && !strings.Contains(w.Body.String(), want+" ") {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
}
