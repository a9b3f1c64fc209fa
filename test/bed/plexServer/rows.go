package main

import (
	"context"
	"fmt"
	"strconv"
)

// row is one row of a result, by column name.
type row map[string]any

// rows runs a query on the library and returns all rows.
func (s *server) rows(ctx context.Context, query string, values ...any) ([]row, error) {
	result, err := s.library.QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	names, err := result.Columns()
	if err != nil {
		return nil, err
	}
	var all []row
	for result.Next() {
		cells := make([]any, len(names))
		targets := make([]any, len(names))
		for index := range cells {
			targets[index] = &cells[index]
		}
		if err := result.Scan(targets...); err != nil {
			return nil, err
		}
		entry := make(row, len(names))
		for index, name := range names {
			if bytes, isBlob := cells[index].([]byte); isBlob {
				cells[index] = string(bytes)
			}
			entry[name] = cells[index]
		}
		all = append(all, entry)
	}
	return all, result.Err()
}

func (r row) text(name string) string {
	switch value := r[name].(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		return fmt.Sprint(value)
	}
}

func (r row) number(name string) int64 {
	switch value := r[name].(type) {
	case int64:
		return value
	case float64:
		return int64(value)
	case bool:
		if value {
			return 1
		}
	case string:
		if number, err := strconv.ParseInt(value, 10, 64); err == nil {
			return number
		}
	}
	return 0
}

func (r row) has(name string) bool {
	value := r[name]
	return value != nil && value != ""
}
