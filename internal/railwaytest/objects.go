package railwaytest

import "time"

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (e *event) object() object {
	o := object{
		"id":          e.id,
		"step":        e.step,
		"createdAt":   stamp(e.created),
		"completedAt": stamp(e.completed),
		"payload":     nil,
	}
	if !e.completed.IsZero() {
		o["payload"] = object{"error": text(e.error), "detail": text(e.detail), "reason": nil, "skipped": nil,
			"durationMs": int(e.completed.Sub(e.created).Milliseconds()), "attempt": nil, "maxAttempts": nil}
	}
	return o
}

func (d *deployment) object() object {
	return object{
		"id":                d.id,
		"serviceId":         d.service,
		"status":            d.status,
		"statusUpdatedAt":   stamp(d.at),
		"deploymentStopped": d.stopped,
		"createdAt":         stamp(d.created),
		"updatedAt":         stamp(d.at),
		"instances":         []object{{"id": "inst-" + d.id, "status": "RUNNING"}},
	}
}

func (l line) object() object {
	return object{"timestamp": l.at.Format(time.RFC3339Nano), "message": l.message, "severity": l.severity}
}

func (one *service) object() object {
	o := object{
		"id":               "si-" + one.id,
		"serviceId":        one.id,
		"serviceName":      one.name,
		"createdAt":        stamp(one.created),
		"deletedAt":        stamp(one.deleted),
		"region":           text(one.region),
		"numReplicas":      1,
		"source":           nil,
		"latestDeployment": nil,
	}
	if one.image != "" || one.repo != "" {
		o["source"] = object{"image": text(one.image), "repo": text(one.repo)}
	}
	active := []object{}
	for _, d := range one.list {
		if d.status == "SUCCESS" {
			active = append(active, d.object())
		}
		o["latestDeployment"] = d.object()
	}
	o["activeDeployments"] = active
	return o
}
