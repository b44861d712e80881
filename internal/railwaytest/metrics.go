package railwaytest

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Measured is what every container uses, by measurement, from its deployment until it crashes or stops.
var Measured = map[string]float64{
	"CPU_USAGE":       0.25,
	"CPU_LIMIT":       2,
	"MEMORY_USAGE_GB": 0.5,
	"MEMORY_LIMIT_GB": 1,
	"NETWORK_RX_GB":   0.001,
	"NETWORK_TX_GB":   0.002,
}

// metrics are those of a service.
func (s *Server) metrics(args map[string]any) (any, error) {
	if args["environmentId"] != Environment {
		return nil, errNotAuthorized
	}
	one, err := s.service(args, "serviceId")
	if err != nil {
		return nil, err
	}
	since, err := time.Parse(time.RFC3339, fmt.Sprint(args["startDate"]))
	if err != nil {
		return nil, err
	}
	step, err := strconv.ParseInt(fmt.Sprint(args["sampleRateSeconds"]), 10, 64)
	if err != nil || step < 1 {
		return nil, errors.New("Problem processing request")
	}
	list := []object{}
	for _, measurement := range args["measurements"].([]any) {
		name := fmt.Sprint(measurement)
		values := []object{}
		for at := since.Unix() / step * step; at <= time.Now().Unix(); at += step {
			if at >= since.Unix() && one.ran(time.Unix(at, 0), time.Duration(step)*time.Second) {
				values = append(values, object{"ts": at, "value": Measured[name]})
			}
		}
		list = append(list, object{"measurement": name, "values": values})
	}
	return list, nil
}

// ran reports whether a container of the service ran in the step that begins at a time.
func (one *service) ran(at time.Time, step time.Duration) bool {
	for _, d := range one.list {
		ended := d.status != "SUCCESS" && d.status != "DEPLOYING" && at.After(d.at)
		if at.Add(step).After(d.created) && !ended {
			return true
		}
	}
	return false
}
