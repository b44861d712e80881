package railway

import (
	"strings"
	"time"
)

// phase is the meaning of a deployment's status for its node.
type phase int

const (
	progress phase = iota // in progress; unknown statuses too
	blocked               // waits for approval
	up                    // runs
	asleep                // Railway stopped it for lack of traffic, and will start it on demand
	stopped               // was up, and all its instances were stopped
	failed                // did not start, or ended on its own
	removed               // replaced, deleted, or never ran
)

// phases contains all statuses of Railway's schema. Others count as progress, which has a deadline.
var phases = map[string]phase{
	"QUEUED": progress, "WAITING": progress, "INITIALIZING": progress, "BUILDING": progress, "DEPLOYING": progress,
	"NEEDS_APPROVAL": blocked,
	"SUCCESS":        up,
	"SLEEPING":       asleep,
	"FAILED":         failed, "CRASHED": failed,
	"SKIPPED": removed, "REMOVING": removed, "REMOVED": removed,
}

// phaseOf returns the meaning of a status. A stopped deployment still has SUCCESS; only the flag shows it.
func phaseOf(status string, deploymentStopped bool) phase {
	p := phases[status]
	if p == up && deploymentStopped {
		return stopped
	}
	return p
}

// Deadlines of deployments without progress.
const (
	progressDeadline = 20 * time.Minute // without a new status or event
	approvalDeadline = time.Hour
)

// deadline is how long a deployment may stay in a phase without changes; 0: forever.
func (p phase) deadline() time.Duration {
	switch p {
	case progress:
		return progressDeadline
	case blocked:
		return approvalDeadline
	default:
		return 0
	}
}

// settled reports whether the phase needs no close watching.
func (p phase) settled() bool { return p != progress && p != blocked }

// statusStep is a status as a step of a timeline, in Railway's words; empty for those that are not steps.
func statusStep(status string) string {
	if p, known := phases[status]; known && p != progress && p != blocked {
		return ""
	}
	if status == "NEEDS_APPROVAL" {
		return "waiting for approval on Railway"
	}
	return readable(status)
}

// readable converts BUILD_IMAGE to "build image".
func readable(name string) string {
	return truncate(strings.ToLower(strings.ReplaceAll(name, "_", " ")), 60)
}

// verdict explains why a deployment in this phase does not run; empty if it does, or is in progress.
func (p phase) verdict(status, reason string) string {
	switch p {
	case asleep:
		return "asleep: Railway stopped it for lack of traffic; turn off serverless in its settings"
	case stopped:
		return "its deployment was stopped on Railway; redeploy it there, or retire it"
	case failed:
		text := "its deployment " + strings.ToLower(status)
		if status == "CRASHED" {
			text = "its process crashed again and again"
		}
		if reason != "" {
			return text + ": " + reason
		}
		return text + "; see its log"
	case removed:
		switch status {
		case "SKIPPED":
			return "its deployment was skipped by Railway"
		case "REMOVING":
			return "its deployment is being removed on Railway"
		}
		return "its deployment was removed on Railway"
	default:
		return ""
	}
}
