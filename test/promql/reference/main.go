// Answers queries by Prometheus' own engine over samples that it is given: batches of JSON in, a line of JSON for each out.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

type batch struct {
	Series  []inputSeries `json:"series"`
	Queries []query       `json:"queries"`
}

type inputSeries struct {
	Labels map[string]string `json:"labels"`
	Times  []int64           `json:"times"`
	// As Go prints floats, separated by spaces: JSON has neither NaN nor Inf.
	Values string `json:"values"`
}

// Without a step it is an instant query at the start.
type query struct {
	Text    string `json:"text"`
	StartMs int64  `json:"startMs"`
	EndMs   int64  `json:"endMs"`
	StepMs  int64  `json:"stepMs"`
}

type answer struct {
	Type   string         `json:"type,omitempty"`
	Series []outputSeries `json:"series,omitempty"`
	Error  string         `json:"error,omitempty"`
	// `bad_data` is found before the evaluation, `execution` by it; as in Prometheus' HTTP API.
	ErrorType string `json:"errorType,omitempty"`
}

type outputSeries struct {
	Labels map[string]string `json:"labels"`
	// Only of a range vector: its samples lie on no steps.
	Times []int64 `json:"times,omitempty"`
	// A value for each step, `_` where there is none.
	Values string `json:"values"`
}

func main() {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  time.Minute,
		LookbackDelta:            5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   parser.NewParser(parser.Options{}),
	})
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var b batch
		if err := in.Decode(&b); err == io.EOF {
			return
		} else if err != nil {
			fail(err)
		}
		samples, err := newSamples(b.Series)
		if err != nil {
			fail(err)
		}
		answers := make([]answer, len(b.Queries))
		for i, q := range b.Queries {
			answers[i] = run(engine, samples, q)
		}
		if err := out.Encode(answers); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func run(engine *promql.Engine, samples samples, q query) answer {
	ctx, start, end := context.Background(), time.UnixMilli(q.StartMs), time.UnixMilli(q.EndMs)
	var prepared promql.Query
	var err error
	if q.StepMs == 0 {
		prepared, err = engine.NewInstantQuery(ctx, samples, nil, q.Text, start)
	} else {
		prepared, err = engine.NewRangeQuery(ctx, samples, nil, q.Text, start, end, time.Duration(q.StepMs)*time.Millisecond)
	}
	if err != nil {
		return answer{Error: err.Error(), ErrorType: "bad_data"}
	}
	defer prepared.Close()
	result := prepared.Exec(ctx)
	if result.Err != nil {
		return answer{Error: result.Err.Error(), ErrorType: "execution"}
	}
	a := answer{Type: string(result.Value.Type())}
	switch value := result.Value.(type) {
	case promql.Scalar:
		a.Series = []outputSeries{{Labels: map[string]string{}, Values: format(value.V)}}
	case promql.String:
		a.Series = []outputSeries{{Labels: map[string]string{}, Values: value.V}}
	case promql.Vector:
		for _, s := range value {
			a.Series = append(a.Series, outputSeries{Labels: s.Metric.Map(), Values: format(s.F)})
		}
	case promql.Matrix:
		for _, s := range value {
			if q.StepMs == 0 {
				a.Series = append(a.Series, rangeVector(s))
			} else {
				a.Series = append(a.Series, steps(s, q))
			}
		}
	}
	return a
}

func rangeVector(s promql.Series) outputSeries {
	o := outputSeries{Labels: s.Metric.Map()}
	var texts []string
	for _, p := range s.Floats {
		o.Times = append(o.Times, p.T)
		texts = append(texts, format(p.F))
	}
	o.Values = strings.Join(texts, " ")
	return o
}

func steps(s promql.Series, q query) outputSeries {
	var texts []string
	next := 0
	for t := q.StartMs; t <= q.EndMs; t += q.StepMs {
		if next < len(s.Floats) && s.Floats[next].T == t {
			texts = append(texts, format(s.Floats[next].F))
			next++
		} else {
			texts = append(texts, "_")
		}
	}
	return outputSeries{Labels: s.Metric.Map(), Values: strings.Join(texts, " ")}
}

func format(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

// Samples in memory, sorted by labels, as the storage of Prometheus returns them.
type samples []storage.Series

func newSamples(input []inputSeries) (samples, error) {
	var all samples
	for _, in := range input {
		texts := strings.Fields(in.Values)
		if len(texts) != len(in.Times) {
			return nil, fmt.Errorf("%v: %d times and %d values", in.Labels, len(in.Times), len(texts))
		}
		points := make([]chunks.Sample, len(texts))
		for i, text := range texts {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, err
			}
			points[i] = sample{in.Times[i], value}
		}
		all = append(all, storage.NewListSeries(labels.FromMap(in.Labels), points))
	}
	slices.SortFunc(all, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return all, nil
}

func (s samples) Querier(from, to int64) (storage.Querier, error) {
	return querier{s, from, to}, nil
}

type querier struct {
	samples  samples
	from, to int64
}

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var selected []storage.Series
	for _, s := range q.samples {
		matches := func(m *labels.Matcher) bool { return m.Matches(s.Labels().Get(m.Name)) }
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !matches(m) }) {
			selected = append(selected, s)
		}
	}
	return &seriesSet{selected: selected, at: -1}
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) Close() error { return nil }

type seriesSet struct {
	selected []storage.Series
	at       int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at < len(s.selected) }
func (s *seriesSet) At() storage.Series              { return s.selected[s.at] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                    { return s.t }
func (s sample) ST() int64                   { return 0 }
func (s sample) F() float64                  { return s.f }
func (sample) H() *histogram.Histogram       { return nil }
func (sample) FH() *histogram.FloatHistogram { return nil }
func (sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample         { return s }
