"""What the data are worth: their quality, and the questionnaire in this study."""
