package train

import "warpdrop/dropout"

// EpochMetrics is the state of a run after an epoch.
type EpochMetrics struct {
	Epoch            int     `json:"epoch"`     // from 1
	Iteration        int     `json:"iteration"` // iterations done
	TrainLoss        float64 `json:"train_loss"`
	TestAccuracy     float64 `json:"test_accuracy"`             // share of right answers, 0 to 1
	Perplexity       float64 `json:"perplexity,omitempty"`      // LSTM: of the validation text
	TestPerplexity   float64 `json:"test_perplexity,omitempty"` // LSTM
	LearningRate     float64 `json:"learning_rate"`             // of this epoch
	Seconds          float64 `json:"seconds"`                   // training time since the run began, without evaluation
	SamplesPerSecond float64 `json:"samples_per_second"`        // LSTM: tokens; of this epoch's training
}

// TracePoint is the state of a run after some iterations.
type TracePoint struct {
	Iteration    int     `json:"iteration"`
	TrainLoss    float64 `json:"train_loss"` // mean since the point before
	TestAccuracy float64 `json:"test_accuracy"`
	Perplexity   float64 `json:"perplexity,omitempty"`
}

// Progress is reported while a run goes on.
type Progress struct {
	Epoch, Epochs         int // the one under way, from 1
	Iteration, Iterations int // done, and in all
	TrainLoss             float64
	TestAccuracy          float64 // the last one measured
	TestPerplexity        float64 // LSTM
	SamplesPerSecond      float64 // LSTM: tokens
	// set when an epoch has ended, and when a run is resumed: all that have, also before
	Ended []EpochMetrics
}

// Result is what a run ends with.
type Result struct {
	Method           dropout.Method `json:"method"`
	TestAccuracy     float64        `json:"test_accuracy"`
	TestPerplexity   float64        `json:"test_perplexity,omitempty"` // LSTM
	TrainLoss        float64        `json:"train_loss"`                // mean of the last epoch
	Epochs           []EpochMetrics `json:"epochs"`
	Trace            []TracePoint   `json:"trace,omitempty"`
	Iterations       int            `json:"iterations"`
	SamplesPerSecond float64        `json:"samples_per_second"` // of training, without evaluation; LSTM: tokens
	ReachedRates     []float64      `json:"reached_rates,omitempty"`
	SubModels        int            `json:"sub_models,omitempty"` // different pattern combinations drawn
	BLAS             string         `json:"blas"`
	Threads          int            `json:"threads"`
	Stopped          bool           `json:"stopped"` // by a signal or a deadline, before its end
	// where a loss or perplexity was no finite number: training ends there
	Diverged string `json:"diverged,omitempty"`
}

// newResult is what is known of a run before it starts.
func newResult(method dropout.Method, e *engine) *Result {
	return &Result{Method: method, BLAS: e.name, Threads: e.Threads()}
}

// reached notes the rate of a layer's patterns, where it has any.
func (r *Result) reached(s *dropout.Stream) {
	if s != nil {
		r.ReachedRates = append(r.ReachedRates, s.Reached())
	}
}
