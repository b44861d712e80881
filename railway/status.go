package railway

import (
	"strings"
	"time"
)

// phase is what a deployment's status means for its node.
type phase int

const (
	progress phase = iota // on its way; unknown statuses too
	blocked               // waits for somebody's approval
	up                    // runs
	asleep                // Railway stopped it for want of traffic, and will start it for some
	stopped               // came up, and all its instances were stopped
	failed                // did not come up, or came down by itself
	removed               // replaced, deleted, or never run
)

// phases has all statuses of Railway's schema. Others count as progress, which has a deadline.
var phases = map[string]phase{
	"QUEUED": progress, "WAITING": progress, "INITIALIZING": progress, "BUILDING": progress, "DEPLOYING": progress,
	"NEEDS_APPROVAL": blocked,
	"SUCCESS":        up,
	"SLEEPING":       asleep,
	"FAILED":         failed, "CRASHED": failed,
	"SKIPPED": removed, "REMOVING": removed, "REMOVED": removed,
}

// phaseOf tells what a status means. SUCCESS stays when a deployment is stopped; only the flag tells.
func phaseOf(status string, deploymentStopped bool) phase {
	p := phases[status]
	if p == up && deploymentStopped {
		return stopped
	}
	return p
}

// Deadlines of deployments that make no progress.
const (
	progressDeadline = 20 * time.Minute // without a new status or event
	approvalDeadline = time.Hour
)

// deadline is how long a deployment may stay in a phase without news; 0: for ever.
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

// settled reports whether the phase is one that need not be watched closely.
func (p phase) settled() bool { return p != progress && p != blocked }

// stepOf is a status as a step in a timeline, in Railway's own words; empty for those that are no step.
func stepOf(status string) string {
	if p, known := phases[status]; known && p != progress && p != blocked {
		return ""
	}
	if status == "NEEDS_APPROVAL" {
		return "waiting for approval on Railway"
	}
	return words(status)
}

// words makes "build image" of BUILD_IMAGE.
func words(name string) string {
	return limit(strings.ToLower(strings.ReplaceAll(name, "_", " ")), 60)
}

// verdict says in words why a deployment in this phase does not run; empty: it does, or is on its way.
func (p phase) verdict(status, reason string) string {
	switch p {
	case asleep:
		return "asleep: Railway stopped it for want of traffic; switch serverless off in its settings"
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
