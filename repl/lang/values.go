package lang

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// record is the constructor of records: values with fields, such as nodes return.
const record = starlark.String("record")

var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// maxDepth limits the nesting of values sent to a node.
const maxDepth = 100

// fromJSON decodes a node's answer. An object becomes a record if all keys are identifiers, else a dict.
func fromJSON(raw json.RawMessage) (starlark.Value, error) {
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		return nil, fmt.Errorf("the node's answer is not JSON: %w", err)
	}
	return fromGo(v), nil
}

func fromGo(v any) starlark.Value {
	switch v := v.(type) {
	case bool:
		return starlark.Bool(v)
	case string:
		return starlark.String(v)
	case json.Number:
		return fromNumber(v)
	case []any:
		elems := make([]starlark.Value, len(v))
		for i, e := range v {
			elems[i] = fromGo(e)
		}
		return starlark.NewList(elems)
	case map[string]any:
		return fromObject(v)
	}
	return starlark.None
}

func fromNumber(n json.Number) starlark.Value {
	if i, ok := new(big.Int).SetString(n.String(), 10); ok {
		return starlark.MakeBigInt(i)
	}
	f, err := n.Float64()
	if err != nil {
		return starlark.String(n)
	}
	return starlark.Float(f)
}

func fromObject(object map[string]any) starlark.Value {
	fields := make(starlark.StringDict, len(object))
	named := true
	for key, v := range object {
		fields[key] = fromGo(v)
		named = named && fieldName.MatchString(key)
	}
	if named {
		return starlarkstruct.FromStringDict(record, fields)
	}
	dict := starlark.NewDict(len(fields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		_ = dict.SetKey(starlark.String(key), fields[key]) // a new dict accepts any string
	}
	return dict
}

// toGo converts a value for json.Marshal.
func toGo(v starlark.Value) (any, error) { return toGoAt(v, 0) }

func toGoAt(v starlark.Value, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the value is nested too deeply, or contains itself")
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Int:
		return json.Number(v.String()), nil
	case starlark.Float:
		return float64(v), nil
	case *starlark.Dict:
		return dictToGo(v, depth)
	case *starlarkstruct.Struct:
		return structToGo(v, depth)
	case starlark.Iterable:
		list := []any{}
		for e := range starlark.Elements(v) {
			one, err := toGoAt(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %s cannot be sent to a node; numbers, text, lists, and dicts can", v.Type())
}

func dictToGo(dict *starlark.Dict, depth int) (any, error) {
	object := map[string]any{}
	for _, item := range dict.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("a dict sent to a node needs text keys, not %s", item[0].Type())
		}
		v, err := toGoAt(item[1], depth+1)
		if err != nil {
			return nil, err
		}
		object[key] = v
	}
	return object, nil
}

func structToGo(s *starlarkstruct.Struct, depth int) (any, error) {
	object := map[string]any{}
	for _, name := range s.AttrNames() {
		field, err := s.Attr(name)
		if err != nil {
			return nil, err
		}
		if object[name], err = toGoAt(field, depth+1); err != nil {
			return nil, err
		}
	}
	return object, nil
}
